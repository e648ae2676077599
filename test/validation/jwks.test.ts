/** What passes as an inline key set, and which keys of it are private. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readKeySet } from '../../src/validation/rules/jwks.ts'

const REFUSED = 'refused'
function privateKeys(text: string): readonly number[] | typeof REFUSED {
  const set = readKeySet(text)
  return 'error' in set ? REFUSED : set.privateKeys
}
const rsa = '"kty":"RSA","n":"YQ","e":"AQAB"'

test('a set is one JSON object, whatever follows it', () => {
  const rows: readonly (readonly [text: string, wanted: readonly number[] | typeof REFUSED])[] = [
    ['{"keys":[]}', []],
    ['{"keys":null}', []],
    [' {"keys":[]} x', []],
    ['{"keys":[]', REFUSED],
    ['{"keys":{}}', REFUSED],
    ['[]', REFUSED],
    ['x', REFUSED],
    ['', REFUSED],
    ['{"a":1}', REFUSED],
    ['{"a":"}\\"{",' + rsa + '}x', []],
    [`{"keys":[{${rsa}},7]}`, REFUSED],
    [`{"keys":[{${rsa}},{"kty":"oct","k":""}]}`, [1]],
  ]
  for (const [text, wanted] of rows) assert.deepEqual(privateKeys(text), wanted, text)
})

test('a key needs the members of its type, and only these are looked into', () => {
  const rows: readonly (readonly [members: string, wanted: readonly number[] | typeof REFUSED])[] = [
    [rsa, []],
    ['"Kty":"RSA","n":"YQ==","e":"a+/b"', []],
    ['"kty":"RSA","n":null,"e":""', []],
    ['"kty":"RSA","n":"YQ"', REFUSED],
    ['"kty":"RSA","n":"YQ=","e":"AQAB"', REFUSED],
    ['"kty":"RSA","n":"a+-b","e":"AQAB"', REFUSED],
    ['"kty":"rsa","n":"YQ","e":"AQAB"', REFUSED],
    [`${rsa},"d":"YQ"`, [0]],
    [`${rsa},"D":"YQ"`, REFUSED],
    [`${rsa},"d":"YQ","dq":"!"`, REFUSED],
    [`${rsa},"dq":"!","x":7,"x5u":7`, []],
    [`${rsa},"alg":7`, REFUSED],
    [`${rsa},"key_ops":["x"],"x5c":[]`, []],
    [`${rsa},"key_ops":"sign"`, REFUSED],
    [`${rsa},"x5c":["x"]`, REFUSED],
    ['"kty":"EC","crv":"any","x":"YQ","y":"YQ"', []],
    ['"kty":"EC","crv":null,"x":"YQ","y":"YQ","d":"YQ"', [0]],
    ['"kty":"EC","x":"YQ","y":"YQ"', REFUSED],
    ['"kty":"OKP","crv":"Ed25519","x":"YQ"', []],
    ['"kty":"OKP","crv":7,"x":"YQ"', REFUSED],
    ['"kty":"oct","k":"YQ","d":"!"', [0]],
  ]
  for (const [members, wanted] of rows) assert.deepEqual(privateKeys(`{${members}}`), wanted, members)
})

test('a long text of quotes and braces is read once', () => {
  const open = `{"a":"${'\\"{'.repeat(300_000)}`
  assert.equal(privateKeys(open), REFUSED)
})
