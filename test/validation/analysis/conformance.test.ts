/** Holds analysis against what the real analyzers said of recorded sets of objects. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { answerAnalysisCase } from '../../../scripts/answer/analysis.ts'
import { readDocuments } from '../../../src/cli/validate/documents.ts'
import { readYaml } from '../../../src/injection/yaml/read.ts'
import type { MeshObject } from '../../../src/validation/index.ts'
import { sharedPath, skipWithout } from '../../support/shared.ts'

interface RecordedMessage {
  readonly code: string
  readonly level: string
  readonly origin: string
  readonly path?: string
}
interface Recorded {
  readonly messages: readonly RecordedMessage[]
  readonly offline: readonly RecordedMessage[]
}
const folder = sharedPath('conformance', 'validation', 'analysis')

const keyOf = ({ code, level, origin }: RecordedMessage): string => `${code} ${level} ${origin}`

/** What one side has and the other has not; paths count where one is recorded. */
function difference(found: readonly RecordedMessage[], want: readonly RecordedMessage[]): readonly string[] {
  const left = [...found]
  const missing = want.filter((message) => {
    const same = left.findIndex(
      (one) => keyOf(one) === keyOf(message) && (message.path === undefined || one.path === message.path),
    )
    if (same !== -1) left.splice(same, 1)
    return same === -1
  })
  const text = (sign: string) => (message: RecordedMessage) => `${sign} ${keyOf(message)} ${message.path ?? ''}`
  return [...missing.map(text('missing')), ...left.map(text('too much'))]
}

for (const [title, field, runtime] of [
  ['with a cluster that holds them', 'messages', true],
  ['from files alone', 'offline', false],
] as const) {
  test(`recorded sets, ${title}, get the real messages`, { skip: skipWithout(folder) }, (t) => {
    const different: string[] = []
    const sets = readdirSync(folder ?? '')
    for (const set of sets) {
      const path = join(folder ?? '', set)
      const objects = readDocuments(readFileSync(join(path, 'input.yaml'), 'utf8')).map(
        ({ value }) => value as MeshObject,
      )
      const mesh = existsSync(join(path, 'mesh.yaml'))
        ? (readYaml(readFileSync(join(path, 'mesh.yaml'), 'utf8')) as MeshObject)
        : {}
      const recorded = JSON.parse(readFileSync(join(path, 'expected.json'), 'utf8')) as Recorded
      const found = answerAnalysisCase({ id: set, objects, meshConfig: mesh, runtime }).messages
      const lines = difference(found, recorded[field])
      if (lines.length > 0) different.push(`${set}:\n  ${lines.join('\n  ')}`)
    }
    t.diagnostic(`${sets.length - different.length} of ${sets.length} equal`)
    assert.equal(different.join('\n'), '')
  })
}
