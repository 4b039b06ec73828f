import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attribute, listAttributes, nested, parseAttributes, text, u8, u16, u32, u64 } from './attributes.ts';
import { parseEntry } from './conntrack.ts';
import { NetlinkError } from './errors.ts';
import { encodeLogBind, parseLoggedPacket } from './log-messages.ts';
import { errnoOf, nfMessage, parseMessages } from './messages.ts';
import { parsePacketHeader } from './packet-header.ts';
import { encodeSyn } from './probe.ts';
import { encodeElementChange, parseElements } from './set-elements.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('attributes', () => {
  it('are padded to four bytes, their length is not', () => {
    assert.equal(hex(text(1, 'abc')), '0800010061626300');
    assert.equal(hex(u8(2, 7)), '0500020007000000');
    assert.equal(hex(u16(3, 0x1234)), '0600030012340000');
    assert.equal(hex(u32(4, 0xc0000201)), '08000400c0000201');
    assert.equal(hex(u64(5, 60_000)), '0c000500000000000000ea60');
    assert.equal(hex(nested(6, u8(1, 1))), '0c0006800500010001000000');
  });

  it('are read back in order, without the nested flag', () => {
    const bytes = Buffer.concat([u8(1, 9), nested(3, u8(1, 2)), u8(1, 8)]);
    assert.deepEqual(
      listAttributes(bytes).map(({ type }) => type),
      [1, 3, 1],
    );
    assert.equal(parseAttributes(bytes).get(1)?.[0], 8);
  });

  it('a length beyond the end, or below a header, ends the reading', () => {
    assert.deepEqual(listAttributes(Buffer.from('ff00010000', 'hex')), []);
    assert.deepEqual(listAttributes(Buffer.from('0300010000000000', 'hex')), []);
    assert.deepEqual(listAttributes(Buffer.alloc(3)), []);
  });
});

describe('messages', () => {
  it('carry the nfnetlink header and are split as the kernel joins them', () => {
    const one = nfMessage({ type: 0x0a0c, flags: 5, sequence: 7, family: 1, resource: 10 });
    assert.equal(hex(one), '140000000c0a0500070000000000000001' + '00' + '000a');
    const messages = parseMessages(Buffer.concat([one, one, Buffer.from('ffff', 'hex')]));
    assert.deepEqual(
      messages.map(({ type, sequence }) => [type, sequence]),
      [
        [0x0a0c, 7],
        [0x0a0c, 7],
      ],
    );
  });

  it('an error carries its errno name', () => {
    const body = Buffer.alloc(20);
    body.writeInt32LE(-2);
    assert.equal(errnoOf({ type: 2, flags: 0, sequence: 1, body }), 2);
    const error = new NetlinkError('set f_1', 2);
    assert.deepEqual([error.code, error.message], ['ENOENT', 'set f_1: ENOENT']);
  });
});

describe('set elements', () => {
  it('a change is one batch: removals, additions, and one number each', () => {
    const { bytes, last } = encodeElementChange(
      { table: 'postern', set: 'f_1', remove: [1], add: [{ address: 0xc0000201, timeoutMs: 60_000 }] },
      5,
    );
    const messages = parseMessages(bytes);
    assert.deepEqual(
      messages.map(({ type, flags, sequence }) => [type, flags, sequence]),
      [
        [0x10, 1, 5],
        [0x0a0e, 5, 6],
        [0x0a0c, 0x405, 7],
        [0x11, 1, 8],
      ],
    );
    assert.equal(last, 7);
  });

  it('are read as they were written', () => {
    const add = [
      { address: 0xc0000201, timeoutMs: 60_000 },
      { address: 1, timeoutMs: 5 },
    ];
    const { bytes } = encodeElementChange({ table: 'postern', set: 'f_1', add }, 5);
    const body = parseMessages(bytes)[1]?.body ?? Buffer.alloc(0);
    assert.deepEqual(
      parseElements(body),
      add.map(({ address, timeoutMs }) => ({ address, expiresMs: timeoutMs })),
    );
  });
});

describe('conntrack entries', () => {
  it('an entry without both tuples is no entry', () => {
    assert.equal(parseEntry(Buffer.alloc(4)), undefined);
  });

  it('addresses, ports, mark and the DNAT bit are read', () => {
    const tuple = (type: number, source: number, destination: number, ports: [number, number]) =>
      nested(
        type,
        nested(1, u32(1, source), u32(2, destination)),
        nested(2, u8(1, 6), u16(2, ports[0]), u16(3, ports[1])),
      );
    const body = Buffer.concat([
      Buffer.alloc(4),
      tuple(1, 1, 2, [1000, 80]),
      tuple(2, 3, 1, [8080, 1000]),
      u32(3, 0x20),
      u32(8, 0x17000005),
    ]);
    const entry = parseEntry(body);
    assert.deepEqual(entry?.original, {
      protocol: 6,
      source: 1,
      destination: 2,
      sourcePort: 1000,
      destinationPort: 80,
    });
    assert.deepEqual([entry?.reply.source, entry?.reply.sourcePort], [3, 8080]);
    assert.deepEqual([entry?.mark, entry?.dnat], [0x17000005, true]);
  });
});

describe('the log', () => {
  it('binding names the group', () => {
    const [message] = parseMessages(encodeLogBind(20559, 64, 3));
    assert.equal(message?.body.readUInt16BE(2), 20559);
  });

  it('a packet comes with prefix, mark and number; without a payload it is none', () => {
    const head = attribute(1, Buffer.alloc(4));
    const packet = parseLoggedPacket(
      Buffer.concat([
        Buffer.alloc(4),
        head,
        u32(2, 0x10000001),
        text(10, 'deny'),
        attribute(9, Buffer.of(0x45)),
        u32(12, 9),
      ]),
    );
    assert.deepEqual([packet?.prefix, packet?.mark, packet?.sequence], ['deny', 0x10000001, 9]);
    assert.equal(parseLoggedPacket(Buffer.concat([Buffer.alloc(4), head])), undefined);
  });

  it('headers of both families, ports only where there are ports, truncation', () => {
    const syn = encodeSyn({
      protocol: 6,
      source: 0x0a2a0104,
      destination: 0xc0000201,
      sourcePort: 5,
      destinationPort: 443,
    });
    assert.deepEqual(parsePacketHeader(syn), {
      version: 4,
      protocol: 6,
      source: '10.42.1.4',
      destination: '192.0.2.1',
      sourcePort: 5,
      destinationPort: 443,
      icmpType: 0,
    });
    assert.equal(parsePacketHeader(syn.subarray(0, 20))?.destinationPort, 0);
    assert.equal(parsePacketHeader(syn.subarray(0, 19)), undefined);
    assert.equal(parsePacketHeader(Buffer.alloc(0)), undefined);
    const six = Buffer.alloc(44);
    six.writeUInt8(0x60, 0);
    six.writeUInt8(17, 6);
    six.writeUInt16BE(0x2001, 8);
    six.writeUInt16BE(0x0db8, 10);
    six.writeUInt8(1, 39);
    six.writeUInt16BE(53, 42);
    const header = parsePacketHeader(six);
    assert.deepEqual(
      [header?.source, header?.destination, header?.destinationPort],
      ['2001:db8::', '::1', 53],
    );
  });
});

describe('probes', () => {
  it('the TCP checksum is right', () => {
    const packet = encodeSyn({
      protocol: 6,
      source: 0x0a000001,
      destination: 0x0a000002,
      sourcePort: 1,
      destinationPort: 2,
    });
    // Over pseudo header and segment the ones' complement sum of a right checksum is all ones.
    let sum = 6 + 20;
    for (let offset = 12; offset < 40; offset += 2) sum += packet.readUInt16BE(offset);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    assert.equal(sum, 0xffff);
  });
});
