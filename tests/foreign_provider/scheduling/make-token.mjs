// Who makes our tokens. `node make-token.mjs --jwks` shows the public key; without, it signs the claims
// on its standard input. What is not among them is filled in; what is there is taken as it is.
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('key.pem', import.meta.url), kid = 'ours'
if (!existsSync(FILE)) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(FILE, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
}
const key = createPrivateKey(readFileSync(FILE))

if (process.argv.includes('--jwks')) {
  console.log(JSON.stringify({ keys: [{ ...createPublicKey(key).export({ format: 'jwk' }), kid }] }))
} else {
  const iat = Math.floor(Date.now() / 1000)
  const claims = JSON.parse(readFileSync(0, 'utf8'))
  const whole = { iss: 'https://login.example', aud: 'scheduling', iat, exp: iat + 3600, ...claims }
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'ES256', typ: 'JWT', kid })}.${part(whole)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  console.log(`${signed}.${signature.toString('base64url')}`)
}
