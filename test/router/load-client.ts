// Load on a router, until standard input ends: one allowed connection that goes on for ever, and new connections and
// datagrams all the time, to an allowed target, to targets that no rule allows, and to a site by name through the L7
// engine. Prints one JSON line at the end: what was opened, what was answered, and the longest silence of the flow.

import { createSocket } from 'node:dgram';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** An echo server that a network rule allows, targets that nothing allows, and a site that an application rule allows. */
const { allowed, denied, site, siteAddress } = JSON.parse(process.argv[2] ?? '{}') as {
  allowed: { address: string; port: number };
  denied: { address: string; port: number }[];
  site: string;
  siteAddress: string;
};

const counts = {
  opened: 0,
  answered: 0,
  tried: 0,
  deniedAnswers: 0,
  siteAnswers: 0,
  longestSilenceMs: 0,
  broken: 0,
};
const EVERY_MS = 10;
const GIVE_UP_MS = 3000;

function holdFlow(): void {
  let last = performance.now();
  const socket = connectTcp(allowed.port, allowed.address);
  const timer = setInterval(() => socket.write('still here\n'), EVERY_MS);
  socket.on('data', () => {
    const now = performance.now();
    counts.longestSilenceMs = Math.max(counts.longestSilenceMs, Math.round(now - last));
    last = now;
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    counts.broken += 1;
    clearInterval(timer);
  });
}

function open({ address, port }: { address: string; port: number }, onAnswer: () => void): void {
  const socket = connectTcp(port, address, () => socket.write('hello\n'));
  socket.setTimeout(GIVE_UP_MS, () => socket.destroy());
  socket.on('data', () => {
    onAnswer();
    socket.destroy();
  });
  socket.on('error', () => socket.destroy());
}

function openSite(servername: string, onAnswer: () => void): void {
  const socket = connectTls({ host: siteAddress, port: 443, servername, rejectUnauthorized: false }, () => {
    onAnswer();
    socket.destroy();
  });
  socket.setTimeout(GIVE_UP_MS, () => socket.destroy());
  socket.on('error', () => socket.destroy());
}

const udp = createSocket('udp4');
udp.on('message', () => {
  counts.deniedAnswers += 1;
});
udp.on('error', () => {});

holdFlow();
setInterval(() => {
  counts.opened += 1;
  open(allowed, () => {
    counts.answered += 1;
  });
  for (const target of denied) {
    counts.tried += 1;
    open(target, () => {
      counts.deniedAnswers += 1;
    });
    udp.send('hello\n', target.port, target.address, () => {});
  }
}, EVERY_MS);
setInterval(() => {
  counts.tried += 1;
  openSite(site, () => {
    counts.siteAnswers += 1;
  });
  openSite(`not-${site}`, () => {
    counts.deniedAnswers += 1;
  });
}, 5 * EVERY_MS);

process.stdout.write('ready\n');
process.stdin.resume().once('end', () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0));
});
