import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { splitDocuments } from '../../../src/injection/offline/split.ts'

const texts = (file: string): string[] => [...splitDocuments(file)].map(({ text }) => text)

const CASES: readonly { name: string; file: string; want: readonly string[] }[] = [
  { name: 'an empty file has none', file: '', want: [] },
  { name: 'one document', file: 'a: 1\n', want: ['a: 1\n'] },
  { name: 'a missing last line feed is added', file: 'a: 1', want: ['a: 1\n'] },
  { name: 'line ends become line feeds', file: 'a: 1\r\nb: 2\r\n', want: ['a: 1\nb: 2\n'] },
  { name: 'two documents', file: 'a: 1\n---\nb: 2\n', want: ['a: 1\n', 'b: 2\n'] },
  { name: 'a comment may follow the separator', file: 'a: 1\n---   # next\nb: 2\n', want: ['a: 1\n', 'b: 2\n'] },
  { name: 'nothing after the last separator is no document', file: 'a: 1\n---\n', want: ['a: 1\n'] },
  { name: 'a separator at the start belongs to the first document', file: '---\na: 1\n', want: ['---\na: 1\n'] },
  { name: 'the first of two at the start is a document', file: '---\n---\na: 1\n', want: ['---\n', 'a: 1\n'] },
  {
    name: 'the second of two in the middle belongs to the next',
    file: 'a: 1\n---\n---\nb: 2\n',
    want: ['a: 1\n', '---\nb: 2\n'],
  },
  { name: 'an indented one is none', file: 'a: |\n  ---\n', want: ['a: |\n  ---\n'] },
]
for (const { name, file, want } of CASES) {
  test(`splitDocuments: ${name}`, () => assert.deepEqual(texts(file), want))
}

test('splitDocuments: text behind a separator is refused, after the documents before it', () => {
  const found: string[] = []
  assert.throws(
    () => {
      for (const { text } of splitDocuments('a: 1\n---\nb: 2\n--- c\n')) found.push(text)
    },
    { code: 'OFFLINE_INVALID', message: 'invalid Yaml document separator: c' },
  )
  assert.deepEqual(found, ['a: 1\n'])
})

test('splitDocuments: documents are pieces of the file, and with separators between them the whole of it', () => {
  const lines = fc.array(fc.constantFrom('a: 1', '---', 'b', '', '  ---', '--- # x'), { maxLength: 12 })
  fc.assert(
    fc.property(lines, (list) => {
      const file = list.map((line) => `${line}\n`).join('')
      const documents = [...splitDocuments(file)]
      for (const { text, start, end } of documents) assert.equal(text, file.slice(start, end))
      const between = documents.map(({ start }, i) => file.slice(documents[i - 1]?.end ?? 0, start)).join('')
      assert.match(between, /^(?:---[^\n]*\n)*$/)
    }),
  )
})
