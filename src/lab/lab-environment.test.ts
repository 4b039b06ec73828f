// What a program of the lab is told about its surroundings.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcFiles } from './etc-folder.ts';
import { labEnvironment } from './lab-environment.ts';
import { labFiles } from './lab-files.ts';
import { refusal } from './preflight.ts';

test("the user's own settings stay outside, all else passes", () => {
  const files = labFiles('one');
  const environment = labEnvironment(files, 'node-1', {
    PATH: '/opt/bin:/usr/bin',
    HOME: '/home/me',
    TERM: 'xterm',
    RG: 'my-group',
    https_proxy: 'http://proxy:3128',
    HTTP_PROXY: 'http://proxy:3128',
    SSH_AUTH_SOCK: '/run/agent',
    XDG_CONFIG_HOME: '/home/me/.config',
    AZURE_CLIENT_SECRET: 'secret',
    KUBECONFIG: '/home/me/.kube/config',
    DOCKER_CONFIG: '/home/me/.docker',
    BASH_ENV: '/home/me/.env',
    SSL_CERT_DIR: '/etc/ssl/certs',
    LD_PRELOAD: '/home/me/x.so',
  });
  assert.deepEqual([environment.TERM, environment.RG], ['xterm', 'my-group']);
  assert.equal(environment.PATH, `${files.bin}:/opt/bin:/usr/bin:/usr/sbin:/sbin`);
  assert.equal(environment.HOME, files.home);
  assert.equal(environment.SSL_CERT_FILE, files.caBundle);
  const left = Object.entries(environment).filter(([, value]) => /home\/me|proxy|secret|agent/.test(value));
  assert.deepEqual(left, []);
  assert.equal(environment.SSL_CERT_DIR, undefined);
});

test('the workstation alone trusts the API, too', () => {
  const files = labFiles('one');
  const workstation = labEnvironment(files, 'workstation', {});
  const host = labEnvironment(files, 'node-1', {});
  for (const name of ['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'REQUESTS_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'])
    assert.deepEqual([workstation[name], host[name]], [files.workstationCaBundle, files.caBundle]);
});

test("a namespace's /etc names its resolvers and moves root's home", () => {
  const files = etcFiles(
    { hostname: 'web', address: 0x0a2a0104, dnsServers: [0x0a2a0204, 0xa83f8110], home: '/lab/home' },
    'root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000::/home/me:/bin/sh\n',
    'passwd: files\nhosts: files resolve [!UNAVAIL=return] dns\n',
  );
  assert.equal(
    files['resolv.conf'],
    'nameserver 10.42.2.4\nnameserver 168.63.129.16\noptions timeout:3 attempts:2\n',
  );
  assert.equal(files.hosts, '127.0.0.1 localhost\n10.42.1.4 web\n');
  assert.equal(files.passwd, 'root:x:0:0:root:/lab/home:/bin/bash\nme:x:1000:1000::/home/me:/bin/sh\n');
  assert.equal(files['nsswitch.conf'], 'passwd: files\nhosts: files dns\n');
});

test('names of labs are checked', () => {
  for (const name of ['', '..', 'a/b', 'A', 'x'.repeat(33), '-a'])
    assert.throws(() => labFiles(name), /no name/);
});

test('a machine without user namespaces is told what helps', () => {
  assert.match(refusal('EPERM', '1', ''), /sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0/);
  assert.match(refusal('EPERM', '', '0'), /sysctl -w kernel\.unprivileged_userns_clone=1/);
  assert.match(refusal('EPERM', '', ''), /as root/);
});
