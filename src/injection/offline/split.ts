/** Splits a file into YAML documents. */
import { ProjectError } from '../../base/errors.ts'

export interface TextDocument {
  /** The lines of the document as they are read: each ends with a line feed. */
  readonly text: string
  /** Its characters in the file. */
  readonly start: number
  readonly end: number
}

/**
 * Documents of a file, in order. istiod: the first line of a document is its content whatever it is, so that a
 * separator at the start of the file, or right behind another, belongs to the document that follows.
 * @throws ProjectError OFFLINE_INVALID for a separator with text behind it, once the documents before it are taken
 */
export function* splitDocuments(file: string): Iterable<TextDocument> {
  let text = ''
  let start = 0
  for (const line of linesOf(file)) {
    if (isSeparator(line.text) && text !== '') {
      yield { text, start, end: line.start }
      text = ''
      start = line.end
    } else text += `${line.text}\n`
  }
  if (text !== '') yield { text, start, end: file.length }
}

interface Line {
  /** Without its end. */
  readonly text: string
  readonly start: number
  /** Where the next line starts. */
  readonly end: number
}

function* linesOf(file: string): Iterable<Line> {
  for (let start = 0; start < file.length;) {
    const feed = file.indexOf('\n', start)
    const end = feed < 0 ? file.length : feed + 1
    yield { text: file.slice(start, end).replace(/\r?\n$/, ''), start, end }
    start = end
  }
}

function isSeparator(line: string): boolean {
  if (!line.startsWith('---')) return false
  const rest = line.slice(3).trim()
  if (rest === '' || rest.startsWith('#')) return true
  throw new ProjectError('OFFLINE_INVALID', `invalid Yaml document separator: ${rest}`)
}
