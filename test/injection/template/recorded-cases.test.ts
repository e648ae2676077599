/** Every recorded template case, answered by our engine. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { istioData } from '../../../scripts/answer/istio-data.ts'
import {
  answerTemplateCase,
  readContext,
  type TemplateAnswer,
  type TemplateCase,
} from '../../../scripts/answer/template.ts'
import { readYaml } from '../../../src/injection/yaml/read.ts'
import { sharedPath, skipWithout } from '../../support/shared.ts'

interface RecordedCase extends TemplateCase {
  readonly mayRefuse?: boolean
  readonly want: {
    readonly ok: boolean
    readonly output?: string
    readonly outputB64?: string
    readonly stage?: string
  }
}

const folder = sharedPath('conformance', 'template')
const configsFolder = sharedPath('conformance', 'injection', 'config') ?? '.'

function isEqual(answer: TemplateAnswer, { want, mayRefuse = false }: RecordedCase): boolean {
  if (mayRefuse && answer.stage === 'limit') return true
  if (want.ok) return answer.ok && answer.output === want.output && answer.outputB64 === want.outputB64
  // Where Go dies, any failure will do.
  return !answer.ok && answer.stage !== undefined && (want.stage === 'limit' || answer.stage === want.stage)
}

for (const name of ['cases', 'generated', 'hostile']) {
  test(`recorded templates answer as in Go: ${name}`, { skip: skipWithout(folder) }, (t) => {
    const dataFile = join(folder ?? '', 'data.json')
    const context = readContext({ dataFile, configsFolder, readYaml, buildIstioData: istioData })
    const lines = readFileSync(join(folder ?? '', `${name}.jsonl`), 'utf8').split('\n')
    const cases = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RecordedCase)
    const failing = cases.filter((one) => !isEqual(answerTemplateCase(one, context), one)).map(({ id }) => id)
    t.diagnostic(`${cases.length - failing.length} of ${cases.length} equal`)
    assert.deepEqual(failing, [])
  })
}
