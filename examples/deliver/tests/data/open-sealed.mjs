// Opens one sealed item without any code of Narae's: openssl undoes RSA-OAEP, node's crypto AES-GCM.
// usage: node open-sealed.mjs KEY.pem LABEL < ITEM > PLAINTEXT
import { execFileSync } from 'node:child_process';
import { createDecipheriv } from 'node:crypto';
import { readFileSync, mkdtempSync, writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [key, label] = process.argv.slice(2);
const item = Buffer.from(readFileSync(0, 'utf8').trim(), 'base64');
const length = item.readUInt16BE(0);
const folder = mkdtempSync(join(tmpdir(), 'open-sealed-'));
try {
  writeFileSync(join(folder, 'rsa'), item.subarray(2, 2 + length));
  const options = ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha256'];
  if (label) options.push(`rsa_oaep_label:${Buffer.from(label).toString('hex')}`);
  const session = execFileSync('openssl', [
    'pkeyutl', '-decrypt', '-inkey', key, '-in', join(folder, 'rsa'), ...options.flatMap((o) => ['-pkeyopt', o]),
  ]);
  const body = item.subarray(2 + length);
  const decipher = createDecipheriv('aes-256-gcm', session, Buffer.alloc(12));
  decipher.setAuthTag(body.subarray(body.length - 16));
  process.stdout.write(Buffer.concat([decipher.update(body.subarray(0, body.length - 16)), decipher.final()]));
} finally {
  rmSync(folder, { recursive: true });
}
