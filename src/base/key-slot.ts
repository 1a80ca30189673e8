// The hash slot of a key, as in Redis Cluster: CRC16 (XMODEM) of the key, or of its hash tag, modulo 16384.

const slotMask = 16383;

const crcTable = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  crcTable[byte] = crc;
}

/** The slot, in `[0, 16384)`, of a key given as byte string. A tag is what stands in the first `{…}`, if anything. */
export function keySlot(key: string): number {
  const open = key.indexOf("{");
  if (open >= 0) {
    const close = key.indexOf("}", open + 1);
    if (close > open + 1) return crc16(key, open + 1, close) & slotMask;
  }
  return crc16(key, 0, key.length) & slotMask;
}

function crc16(text: string, from: number, to: number): number {
  let crc = 0;
  for (let at = from; at < to; at++) {
    crc = ((crc << 8) ^ (crcTable[((crc >>> 8) ^ text.charCodeAt(at)) & 0xff] as number)) & 0xffff;
  }
  return crc;
}
