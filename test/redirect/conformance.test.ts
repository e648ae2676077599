/** Every recorded case of the real system, answered by our code and compared as the cases' README defines equality. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerRedirectCase } from '../../scripts/answer/redirect.ts'
import { essence, recordedCases } from '../support/redirect-cases.ts'
import { sharedPath, skipWithout } from '../support/shared.ts'

const folder = sharedPath('conformance', 'redirect')
const skip = skipWithout(folder)

test('every recorded case is answered as the original answers it', { skip }, async (t) => {
  const cases = recordedCases(folder ?? '')
  const different: string[] = []
  for (const { case: input, answer } of cases) {
    try {
      assert.deepEqual(essence(await answerRedirectCase(input)), essence(answer))
    } catch (error) {
      different.push(`${input.id}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  t.diagnostic(`${cases.length - different.length} of ${cases.length} cases equal`)
  assert.equal(different.length, 0, different.slice(0, 5).join('\n'))
})
