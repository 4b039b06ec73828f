// Picks the command and runs it. Every command is loaded only when it is asked for, so that `az` starts quickly.

import { missingPackage } from '#state/missing-package.ts';
import { nearest } from '#state/nearest-word.ts';

type Run = (args: readonly string[]) => Promise<number>;

const COMMANDS: Readonly<Record<string, () => Promise<Run>>> = {
  az: async () => (await import('#cli/az/main.ts')).runAz,
  lab: async () => (await import('#lab/command.ts')).runLab,
  internet: async () => (await import('#lab/internet/main.ts')).runInternet,
  gateway: async () => (await import('#gateway/main.ts')).runGateway,
  logs: async () => (await import('#cli/logs.ts')).runLogs,
  tags: async () => (await import('#cli/tags.ts')).runTags,
  decide: async () => (await import('#cli/decide.ts')).runDecide,
  test: async () => (await import('#cli/test.ts')).runTest,
  lint: async () => (await import('#cli/lint.ts')).runLint,
  diff: async () => (await import('#cli/diff.ts')).runDiff,
  explain: async () => {
    const { runExplain } = await import('#cli/explain.ts');
    const { fqdnSetName } = await import('#dataplane/netfilter/names.ts');
    return args =>
      runExplain(args, {
        lab: async name => (await import('#lab/running-lab.ts')).runningLab(name),
        router: async () => (await import('#router/running-router.ts')).runningRouter(),
        threats: async (files, report) => {
          const { ThreatFeeds } = await import('#dataplane/threat/threat-feeds.ts');
          const feeds = new ThreatFeeds({ files, report });
          await feeds.reload();
          return feeds;
        },
        setNameOf: fqdnSetName,
      });
  },
  up: async () => (await import('#router/command.ts')).runUp,
  status: async () => (await import('#router/command.ts')).runStatus,
  down: async () => (await import('#router/command.ts')).runDown,
  doctor: async () => (await import('#router/doctor.ts')).runDoctor,
};

const HELP = `Usage: postern COMMAND [ARGUMENTS]

  lab       the article's architecture in network namespaces: up, status, shell, exec, add-host, down
  az        Azure's commands against Postern's control plane
  logs      decisions of the firewall, for people
  tags      service tags and FQDN tags: show, import
  decide    what a set of rules does with one connection, and why; needs no firewall
  test      policy tests out of YAML files; needs no firewall
  lint      what is wrong with a set of rules, and what AKS needs and does not get
  diff      what two sets of rules decide differently
  explain   the whole way of a flow and back, in a running lab or gateway or out of files
  up        control plane and gateway on this router; status, down
  doctor    what this kernel offers and what is missing
  gateway   the data plane alone, told what to do over its control channel

postern COMMAND --help says more.
`;

async function main(args: readonly string[]): Promise<number> {
  const [name = '--help', ...rest] = args;
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(HELP);
    return 0;
  }
  const load = COMMANDS[name];
  if (!load) {
    const near = nearest(name, Object.keys(COMMANDS));
    const hint = near === undefined ? '' : ` Did you mean '${near}'?`;
    process.stderr.write(`postern: there is no command '${name}'.${hint} postern --help lists them.\n`);
    return 2;
  }
  try {
    return await (await load())(rest);
  } catch (error) {
    const told = missingPackage(error);
    if (told === undefined) throw error;
    process.stderr.write(`postern ${name}: ${told}\n`);
    return 1;
  }
}

// A reader that has seen enough (`| head`) is no error of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}

process.exitCode = await main(process.argv.slice(2));
