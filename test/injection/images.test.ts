/** Image names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { imageUrl } from '../../src/injection/images.ts'

const ROWS: readonly (readonly [tag: string, type: string, want: string])[] = [
  ['1.12', '', '1.12'],
  ['1.12-debug', '', '1.12-debug'],
  ['1.12-debug', 'distroless', '1.12-distroless'],
  ['1.12-distroless', 'default', '1.12'],
  ['1.12-odd', 'debug', '1.12-odd-debug'],
  ['1.12', 'odd', '1.12-odd'],
  ['1.12-debug-debug', 'default', '1.12-debug'],
]

for (const [tag, type, want] of ROWS) {
  test(`image: tag ${tag} of type "${type}" becomes ${want}`, () => {
    assert.equal(imageUrl({ hub: 'h', name: 'proxyv2', tag, type }), `h/proxyv2:${want}`)
  })
}
