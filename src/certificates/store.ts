/** Where the certificate authority is kept: the interface that a Secret and a folder implement. */
import type { AuthorityState } from './authority.ts'

/** Under this name the API server remembers what we wrote, so that operators can tell their tools to leave it be. */
export const FIELD_MANAGER = 'mesh-admission-ca'

/**
 * An operator who wants a new authority writes a text there that was never there before; one that begins with
 * `emergency-` says that the key has leaked.
 */
export const ROTATE_ANNOTATION = 'mesh-admission.io/rotate'

/** What a store holds; `asked` is the text of the operator's last request, answered or not. */
export type StoredAuthority =
  | { readonly holds: 'nothing' }
  | { readonly holds: 'state'; readonly state: AuthorityState; readonly version: string; readonly asked?: string }
  /** Something of ours that cannot be used; `version` allows to replace exactly it. */
  | { readonly holds: 'broken'; readonly why: string; readonly version: string; readonly asked?: string }

/**
 * Keeps one authority, safe under several processes: of two writers one wins, and the other is told.
 * Everything throws ProjectError CERT_STORE_UNREADABLE (worth trying again) or CERT_STORE_FOREIGN (not worth it).
 */
export interface AuthorityStore {
  /** Where it is, for people: a Secret's or a folder's name. */
  readonly place: string
  read(signal: AbortSignal): Promise<StoredAuthority>
  /** Writes where there was nothing, or exactly `over`; false when another was faster: read again. */
  write(state: AuthorityState, over: string | undefined, signal: AbortSignal): Promise<boolean>
  /** Calls `changed` whenever the content may be another one, until `signal` aborts. */
  watch(changed: () => void, signal: AbortSignal): void
}
