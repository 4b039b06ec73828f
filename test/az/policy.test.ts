// Postern's own `az` as a process against the real API: a firewall that follows a policy, its parent, their rule
// collection groups and IP groups, and what is refused.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { RealApi } from './real-api.ts';

const RG = 'policy-rg';
const POLICY = 'network firewall policy';
const GROUP = `${POLICY} rule-collection-group`;
const COLLECTION = `${GROUP} collection`;
const IN_GROUP = `-g ${RG} --policy-name team --rcg-name aks`;

type Json = Record<string, unknown>;

describe('a firewall that follows a policy', () => {
  let api: RealApi;
  before(async () => {
    api = await RealApi.start();
  });
  after(() => api[Symbol.asyncDispose]());

  const ok = async (line: string): Promise<string> => {
    const { status, stdout, stderr } = await api.az(line.split(' '));
    assert.deepEqual({ line, status, stderr }, { line, status: 0, stderr: '' });
    return stdout;
  };
  const json = async (line: string): Promise<Json> => JSON.parse(await ok(line));
  const refused = async (line: string): Promise<string> => {
    const { status, stdout, stderr } = await api.az(line.split(' '));
    assert.deepEqual({ line, status, stdout }, { line, status: 1, stdout: '' });
    return stderr;
  };

  test('a parent policy and a child, with IP groups', async () => {
    await ok(`group create -n ${RG} -l eastus`);
    await ok(`network ip-group create -g ${RG} -n hosts --ip-addresses 10.42.1.0/24`);
    const groups = await json(`network ip-group update -g ${RG} -n hosts --add ipAddresses 10.42.3.0/24`);
    assert.deepEqual(groups.ipAddresses, ['10.42.1.0/24', '10.42.3.0/24']);
    const base = await json(
      `${POLICY} create -g ${RG} -n base --threat-intel-mode Alert --ip-addresses 192.0.2.1 --fqdns *.example.org`,
    );
    assert.deepEqual(base.threatIntelWhitelist, { fqdns: ['*.example.org'], ipAddresses: ['192.0.2.1'] });
    const team = await json(
      `${POLICY} create -g ${RG} -n team --base-policy base --sku Standard --dns-servers 10.42.0.4 --enable-dns-proxy true --threat-intel-mode Deny`,
    );
    assert.deepEqual(team.basePolicy, { id: base.id, resourceGroup: RG });
    assert.deepEqual(team.dnsSettings, { enableProxy: true, servers: ['10.42.0.4'] });
    const children = (await json(`${POLICY} show -g ${RG} -n base`)).childPolicies;
    assert.deepEqual(children, [{ id: team.id, resourceGroup: RG }]);
    assert.equal(await ok(`${POLICY} list -g ${RG} --query [].name -o tsv`), 'base\nteam\n');
  });

  test('settings change and the rest stays', async () => {
    const team = await json(
      `${POLICY} update -g ${RG} -n team --private-ranges IANAPrivateRanges 198.51.100.0/24 --tags owner=net`,
    );
    assert.deepEqual(team.snat, { privateRanges: ['IANAPrivateRanges', '198.51.100.0/24'] });
    assert.deepEqual([team.threatIntelMode, team.tags], ['Deny', { owner: 'net' }]);
    const set = await json(`${POLICY} update -g ${RG} -n team --set dnsSettings.enableProxy=false`);
    assert.deepEqual(set.dnsSettings, { enableProxy: false, servers: ['10.42.0.4'] });
    await ok(`${POLICY} update -g ${RG} -n team --enable-dns-proxy`);
  });

  test('a group, and collections of all three kinds', async () => {
    const group = await json(`${GROUP} create -g ${RG} --policy-name team -n aks --priority 200`);
    assert.deepEqual([group.name, group.priority, group.resourceGroup], ['aks', 200, RG]);
    await ok(
      `${COLLECTION} add-filter-collection ${IN_GROUP} -n net --action Allow --collection-priority 300 --rule-name api --rule-type NetworkRule --ip-protocols UDP --source-ip-groups hosts --destination-addresses AzureCloud.eastus --destination-ports 1194`,
    );
    await ok(
      `${COLLECTION} add-filter-collection ${IN_GROUP} -n app --action Allow --collection-priority 400 --rule-name fqdn --rule-type ApplicationRule --source-addresses * --protocols http=80 https=443 --fqdn-tags AzureKubernetesService`,
    );
    const { ruleCollections } = await json(
      `${COLLECTION} add-nat-collection ${IN_GROUP} -n inbound --action DNAT --collection-priority 100 --rule-name web --ip-protocols TCP --source-addresses * --destination-addresses 20.51.99.7 --destination-ports 80 --translated-address 10.42.1.50 --translated-port 80`,
    );
    assert.deepEqual(
      (ruleCollections as Json[]).map(({ name }) => name),
      ['net', 'app', 'inbound'],
    );
    assert.equal(
      await ok(`${COLLECTION} list ${IN_GROUP} --query [].[name,ruleCollectionType] -o tsv`),
      'net\tFirewallPolicyFilterRuleCollection\napp\tFirewallPolicyFilterRuleCollection\ninbound\tFirewallPolicyNatRuleCollection\n',
    );
  });

  test('rules are added, changed and removed', async () => {
    await ok(
      `${COLLECTION} rule add ${IN_GROUP} --collection-name app -n sql --rule-type ApplicationRule --source-ip-groups hosts --protocols mssql=1433 --target-fqdns db.example.org`,
    );
    await ok(
      `${COLLECTION} rule update ${IN_GROUP} --collection-name app -n sql --target-fqdns *.example.org`,
    );
    const rules = 'ruleCollections[1].rules[].[name,targetFqdns[0],protocols[0].protocolType]';
    assert.equal(
      await ok(`${GROUP} show -g ${RG} --policy-name team -n aks --query ${rules} -o tsv`),
      'fqdn\tNone\tHttp\nsql\t*.example.org\tMssql\n',
    );
    await ok(`${COLLECTION} rule remove ${IN_GROUP} --collection-name app -n sql`);
    await ok(
      `${GROUP} update -g ${RG} --policy-name team -n aks --set ruleCollections[name=app].priority=500`,
    );
    await ok(`${GROUP} update -g ${RG} --policy-name team -n aks --priority 250`);
    assert.equal(
      await ok(
        `${GROUP} list -g ${RG} --policy-name team --query [].[priority,ruleCollections[1].priority] -o tsv`,
      ),
      '250\t500\n',
    );
  });

  test('a firewall follows the policy, and the policy names the firewall', async () => {
    const firewall = await json(`network firewall create -g ${RG} -n fw --firewall-policy team`);
    const team = await json(`${POLICY} show -g ${RG} -n team`);
    assert.deepEqual(firewall.firewallPolicy, { id: team.id, resourceGroup: RG });
    assert.deepEqual(team.firewalls, [{ id: firewall.id, resourceGroup: RG }]);
    const base = await json(`${POLICY} show -g ${RG} -n base`);
    const moved = await json(`network firewall update -g ${RG} -n fw --policy ${base.id}`);
    assert.deepEqual(moved.firewallPolicy, { id: base.id, resourceGroup: RG });
    await ok(`network firewall update -g ${RG} -n fw --policy team`);
  });

  test("what the server refuses is printed with Azure's code, and nothing changes", async () => {
    const before = await ok(`${GROUP} show -g ${RG} --policy-name team -n aks`);
    for (const [code, line] of [
      ['FirewallPolicyInUseByChildPolicies', `${POLICY} delete -g ${RG} -n base`],
      ['FirewallPolicyInUseByFirewalls', `${POLICY} delete -g ${RG} -n team`],
      ['IpGroupsHasFirewallPolicyReferences', `network ip-group delete -g ${RG} -n hosts --yes`],
      [
        'FirewallPolicyInvalidBasePolicy',
        `${POLICY} update -g ${RG} -n base --set basePolicy.id=${JSON.parse(before).id.split('/ruleC')[0]}`,
      ],
      ['InvalidRequestFormat', `${POLICY} update -g ${RG} -n team --set nonsense=1`],
      [
        'AzureFirewallRuleCollectionInvalidPriority',
        `${GROUP} update -g ${RG} --policy-name team -n aks --priority 99`,
      ],
      [
        'AzureFirewallRuleMissingDestination',
        `${COLLECTION} add-filter-collection ${IN_GROUP} -n bad --action Allow --collection-priority 300 --rule-name r --rule-type NetworkRule`,
      ],
      [
        'InvalidRequestFormat',
        `${COLLECTION} add-nat-collection ${IN_GROUP} -n bad --action SNAT --collection-priority 600 --rule-name r --ip-protocols TCP --source-addresses * --destination-addresses 20.51.99.7 --destination-ports 81 --translated-address 10.42.1.50 --translated-port 80`,
      ],
      [
        'AzureFirewallRuleInvalidFqdn',
        `${COLLECTION} rule update ${IN_GROUP} --collection-name app -n fqdn --target-fqdns exa*mple.org`,
      ],
      ['InvalidResourceReference', `network firewall create -g ${RG} -n other --firewall-policy none`],
    ] as const) {
      const [first, second] = (await refused(line)).split('\n');
      assert.equal(second, `Code: ${code}`, line);
      assert.ok(first?.startsWith(`(${code}) `), line);
    }
    assert.equal(await ok(`${GROUP} show -g ${RG} --policy-name team -n aks`), before);
    const missing = await api.az(`${GROUP} show -g ${RG} --policy-name team -n none`.split(' '));
    assert.deepEqual([missing.status, missing.stderr.split('\n')[1]], [3, 'Code: ResourceNotFound']);
  });

  test('everything is deleted, from the firewall to the parent', async () => {
    await ok(`${COLLECTION} remove ${IN_GROUP} -n inbound`);
    await ok(`network firewall update -g ${RG} -n fw --set tags.a=b --remove firewallPolicy`);
    await ok(`${GROUP} delete -g ${RG} --policy-name team -n aks --yes`);
    for (const name of ['team', 'base']) await ok(`${POLICY} delete -g ${RG} -n ${name}`);
    await ok(`network ip-group delete -g ${RG} -n hosts --yes`);
    assert.equal(await ok(`${POLICY} list --query [].name -o tsv`), '');
  });
});
