/** What Go says about broken JSON. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGoJson } from '../../src/injection/go-json.ts'

const ROWS: readonly (readonly [text: string, complaint: string])[] = [
  ['', 'unexpected end of JSON input'],
  ['not json', "invalid character 'o' in literal null (expecting 'u')"],
  ['{"a":1', 'unexpected end of JSON input'],
  ['{a:1}', "invalid character 'a' looking for beginning of object key string"],
  ['{"a" 1}', "invalid character '1' after object key"],
  ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
  ['{"a":1,}', "invalid character '}' looking for beginning of object key string"],
  ['[1 2]', "invalid character '2' after array element"],
  ['[1,]', "invalid character ']' looking for beginning of value"],
  ['{}x', "invalid character 'x' after top-level value"],
  ['x', "invalid character 'x' looking for beginning of value"],
  ['"\\q"', "invalid character 'q' in string escape code"],
  ['"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"],
  ['"a\nb"', "invalid character '\\n' in string literal"],
  ['-x', "invalid character 'x' in numeric literal"],
  ['1.x', "invalid character 'x' after decimal point in numeric literal"],
  ['1ex', "invalid character 'x' in exponent of numeric literal"],
  ['é', "invalid character 'Ã' looking for beginning of value"],
]

for (const [text, message] of ROWS) {
  test(`JSON ${JSON.stringify(text)} is refused as Go refuses it`, () =>
    assert.throws(() => parseGoJson(text), { message }))
}

test('JSON that is fine is read', () => assert.deepEqual(parseGoJson(' {"a":[1,"\\u0041"]} '), { a: [1, 'A'] }))
