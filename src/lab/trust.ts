// Whom programs in a lab trust: the CA of the lab's Internet and no other; in the workstation also the CA of the API,
// which answers there and nowhere else.

import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LAB_RUN } from './etc-folder.ts';
import { WORKSTATION } from './fabric/plan.ts';
import type { LabFiles } from './lab-files.ts';

/** Where systems keep the certificates they trust (Debian and Ubuntu, Fedora, SUSE, Alpine). */
const TRUST_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/** Files over which a program's bundle is laid; each system has one or two of them. */
export const trustedFiles = (): string[] => TRUST_BUNDLES.filter(path => existsSync(path));

/** The bundle of programs in this namespace. */
export function caBundleOf(files: LabFiles, namespace: string): string {
  return namespace === WORKSTATION ? files.workstationCaBundle : files.caBundle;
}

/** Writes the bundles, and lays that of all hosts over the machine's. The CAs have to be there. */
export function trustLab(files: LabFiles): void {
  const internet = join(files.internetState, 'ca.pem');
  copyFileSync(internet, files.caBundle);
  writeFileSync(
    files.workstationCaBundle,
    `${readFileSync(internet, 'utf8')}\n${readFileSync(files.apiCa, 'utf8')}`,
  );
  // Programs see the machine's /etc through the second path; links in it may lead back to the first.
  for (const path of trustedFiles().flatMap(path => [path, join(LAB_RUN, path)]))
    if (existsSync(path)) spawnSync('mount', ['--bind', files.caBundle, path]);
}
