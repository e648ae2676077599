/** What the scanner gives to the parser. */
import type { Mark } from './cursor.ts'

export type TokenType =
  | 'stream-end'
  | 'version-directive'
  | 'tag-directive'
  | 'document-start'
  | 'document-end'
  | 'block-sequence-start'
  | 'block-mapping-start'
  | 'block-end'
  | 'flow-sequence-start'
  | 'flow-sequence-end'
  | 'flow-mapping-start'
  | 'flow-mapping-end'
  | 'block-entry'
  | 'flow-entry'
  | 'key'
  | 'value'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'scalar'

/** One shape for all types: a text has a thousand tokens, and engines are fast where objects look alike. */
export interface Token {
  readonly type: TokenType
  readonly start: Mark
  /** Text of a scalar, name of an anchor or alias, handle of a tag or tag directive, number of a version. */
  readonly value: string
  /** What follows the handle of a tag, or stands for it in a tag directive. */
  readonly suffix: string
  /** A scalar without quotes. */
  readonly isPlain: boolean
}

/** A token with nothing but what its type says. */
export const markToken = (type: TokenType, start: Mark): Token => ({
  type,
  start,
  value: '',
  suffix: '',
  isPlain: false,
})
