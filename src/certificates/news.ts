/** What the certificates' keepers tell: metrics and Events are made of it, by whoever wires them. */
import type { AuthorityState } from './authority.ts'
import type { WriteStep } from './rotation.ts'

export type AuthorityNews =
  /** A step was written by this process. */
  | { readonly news: 'written'; readonly step: WriteStep; readonly state: AuthorityState }
  /** Somebody else was faster, or the store did not answer. */
  | { readonly news: 'notWritten'; readonly step: WriteStep; readonly failure: unknown }
  /** The place holds what is not ours. */
  | { readonly news: 'foreign'; readonly failure: Error }
  /** What the store holds, whoever wrote it. */
  | { readonly news: 'read'; readonly generation: number | undefined }

export type TellAuthority = (news: AuthorityNews) => void
