/** What the scanner gives to the parser. */
import type { Mark } from './cursor.ts'

/** Marks and indicators that carry no text. */
export type PlainTokenType =
  | 'stream-end'
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

export type TokenContent =
  | { readonly type: PlainTokenType }
  | { readonly type: 'version-directive'; readonly major: number; readonly minor: number }
  | { readonly type: 'tag-directive'; readonly handle: string; readonly prefix: string }
  | { readonly type: 'alias' | 'anchor'; readonly value: string }
  | { readonly type: 'tag'; readonly handle: string; readonly suffix: string }
  | { readonly type: 'scalar'; readonly value: string; readonly isPlain: boolean }

export type Token = TokenContent & { readonly start: Mark }
