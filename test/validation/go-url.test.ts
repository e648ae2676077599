/** Which texts Go takes for URLs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseRequestUri, parseUrl } from '../../src/validation/go-url.ts'

const REFUSED = 'refused'
const scheme = (parsed: ReturnType<typeof parseUrl>): string => (typeof parsed === 'string' ? REFUSED : parsed.scheme)

test('a request URI and a reference differ in stars, fragments and in what two slashes mean', () => {
  const rows: readonly (readonly [text: string, request: string, reference: string])[] = [
    ['https://a.b/c', 'https', 'https'],
    ['*', '', ''],
    ['', REFUSED, ''],
    ['a', REFUSED, ''],
    ['a:b', 'a', 'a'],
    ['a/b:c', REFUSED, ''],
    ['1:b', REFUSED, REFUSED],
    ['//a b', '', REFUSED],
    ['//a:x', '', REFUSED],
    ['/%zz', REFUSED, REFUSED],
    ['http://a#%zz', REFUSED, REFUSED],
    ['http://a/#%zz', REFUSED, REFUSED],
    ['http://a#b', REFUSED, 'http'],
  ]
  for (const [text, request, reference] of rows) {
    assert.equal(scheme(parseRequestUri(text)), request, `request ${text}`)
    assert.equal(scheme(parseUrl(text)), reference, `reference ${text}`)
  }
})

test('only in web addresses a second colon is refused', () => {
  for (const text of ['http://::1', 'https://a:1:2', 'http://a[::1]', 'http://[1.2.3.4]', 'http://[::1', 'oci://a:1:x'])
    assert.equal(scheme(parseUrl(text)), REFUSED, text)
  for (const text of [
    'http://[::1]:80',
    'oci://a:1:2',
    'oci://::1',
    'http://a:',
    'http://a:99999',
    'http://[fe80::1%25en0]',
  ])
    assert.notEqual(scheme(parseUrl(text)), REFUSED, text)
})
