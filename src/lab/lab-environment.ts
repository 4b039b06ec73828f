// The environment of programs in the lab: the lab's home, trust and control plane in place of the user's own. What could
// lead a program to the user's files, agents, proxies or clouds is left out; all else is passed on.

import { join } from 'node:path';
import type { LabFiles } from './lab-files.ts';
import { caBundleOf } from './trust.ts';

/** Set inside a lab, to the host it is on. */
export const HOST_VARIABLE = 'POSTERN_HOST';
/** Set inside a lab, to its name: commands of this lab are already where they have to be. */
export const INSIDE_VARIABLE = 'POSTERN_INSIDE';

const LEFT_OUT = [
  /^(https?|ftp|all|no|socks)_proxy$/i,
  /^(XDG|SSH|AZURE|ARM|KUBE|DOCKER|HELM|GNUPG|GPG|GIT|CURL|REQUESTS|PIP|UV|NPM_CONFIG|AWS|GOOGLE|DBUS|WSL)_?/i,
  /^(SSL_CERT_|NODE_EXTRA_CA|NODE_OPTIONS|NODE_TEST_CONTEXT|NETRC|BASH_ENV|ENV|PROMPT_COMMAND|PS1|HISTFILE|INPUTRC|RES_OPTIONS|LOCALDOMAIN|HOSTALIASES|MAIL|SUDO_|LD_|POSTERN_)/,
];

export function labEnvironment(
  files: LabFiles,
  namespace: string,
  outside: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept = Object.entries(outside).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !LEFT_OUT.some(pattern => pattern.test(entry[0])),
  );
  const path = [files.bin, outside.PATH || '/usr/local/bin:/usr/bin:/bin', '/usr/sbin', '/sbin'].join(':');
  const caBundle = caBundleOf(files, namespace);
  return {
    ...Object.fromEntries(kept),
    PATH: path,
    HOME: files.home,
    USER: 'root',
    LOGNAME: 'root',
    HISTFILE: join(files.home, '.bash_history'),
    SSL_CERT_FILE: caBundle,
    CURL_CA_BUNDLE: caBundle,
    REQUESTS_CA_BUNDLE: caBundle,
    NODE_EXTRA_CA_CERTS: caBundle,
    GIT_SSL_CAINFO: caBundle,
    AZURE_CONFIG_DIR: join(files.home, '.azure'),
    KUBECONFIG: join(files.home, '.kube/config'),
    POSTERN_STATE: files.stateFolder,
    POSTERN_LAB: files.name,
    POSTERN_API_JSON: files.apiJson,
    [HOST_VARIABLE]: namespace,
    [INSIDE_VARIABLE]: files.name,
  };
}
