// HTTP on port 80 and TLS on 443 for the TPROXY test; says at which address it was reached and by whom.
// Arguments: files of certificate and key.

import { readFileSync, writeSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';

const [, , certFile = '', keyFile = ''] = process.argv;
const answer: http.RequestListener = (request, response) => {
  const { localAddress, remoteAddress } = request.socket;
  response.end(
    `at ${localAddress} from ${remoteAddress} for ${request.headers['x-forwarded-for'] ?? 'nobody'}\n`,
  );
};
const listen = (server: http.Server, port: number) =>
  new Promise<void>(resolve => server.listen(port, '0.0.0.0', resolve));

await listen(http.createServer(answer), 80);
await listen(https.createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, answer), 443);
writeSync(1, 'ready\n');
