// Time answers field by field, and what gets none.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerNtp } from './ntp.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0, 500);

function request(first: number, length = 48): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt8(first, 0);
  if (length >= 48) bytes.write('transmit', 40, 'latin1');
  return bytes;
}

describe('time service', () => {
  it('answers a client of version 4 with the time and its own timestamp back', () => {
    const response = answerNtp(request(0x23), NOW, NOW + 1);
    assert.ok(response);
    assert.equal(response.length, 48);
    assert.equal(response.readUInt8(0), 0x24);
    assert.equal(response.readUInt8(1), 2);
    assert.equal(response.toString('latin1', 24, 32), 'transmit');
    assert.equal(response.readUInt32BE(32) - 2_208_988_800, Math.floor(NOW / 1000));
    assert.equal(response.readUInt32BE(36), 2 ** 31);
    assert.ok(response.readUInt32BE(44) > response.readUInt32BE(36));
    assert.ok(response.readUInt32BE(16) <= response.readUInt32BE(32));
  });

  it('answers in the version that was asked, and symmetric peers in their mode', () => {
    assert.equal(answerNtp(request(0x1b), NOW, NOW)?.readUInt8(0), 0x1c);
    assert.equal(answerNtp(request(0x21), NOW, NOW)?.readUInt8(0), 0x22);
  });

  it('does not answer what is short, an answer itself, or asks for control', () => {
    assert.equal(answerNtp(request(0x23, 47), NOW, NOW), undefined);
    for (const first of [0x24, 0x16, 0x17, 0x03, 0x2b])
      assert.equal(answerNtp(request(first), NOW, NOW), undefined);
  });
});
