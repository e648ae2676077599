/** All exceptions of this project, and the table of their codes. */

/**
 * Code of every exception this project throws, with the sentence that explains it to an operator.
 * Codes are never renamed or reused; `docs/errors.md` lists them and a test holds both together.
 */
export const ERROR_CODES = {
  CONFIG_INVALID: 'The injector configuration, values, mesh configuration or a file of objects cannot be used.',
  CONFIG_UNREADABLE: 'A configuration file cannot be read.',
  LISTEN_FAILED: 'A port cannot be opened.',
  CONFIG_MAP_MISSING: 'A ConfigMap that was named is not in the cluster.',
  INPUT_UNREADABLE: 'A file or folder named on the command line cannot be read, or holds nothing to work on.',
  OUTPUT_UNWRITABLE: 'A file named on the command line for a result cannot be written, or is there already.',
  OPTION_INVALID: 'A flag, variable or option has a value outside its range, or a combination makes no sense.',
  CERT_INVALID: 'A certificate, key or list of names is unreadable or does not fit its purpose.',
  CERT_STATE_INVALID: 'A stored certificate authority is incomplete, unreadable or of a newer format.',
  CERT_STORE_FOREIGN:
    'The place for the certificate authority holds something that is not ours, which is never overwritten.',
  CERT_STORE_UNREADABLE: 'The place for the certificate authority cannot be read or written.',
  KUBE_CONFIG_INVALID: 'The kubeconfig or the service account cannot be used.',
  KUBE_REFUSED: 'The API server answered a request with an error.',
  KUBE_UNREACHABLE: 'The API server gave no complete answer.',
  INJECTION_CONFIG_INVALID: 'The injector configuration, its values or a mesh configuration cannot be used.',
  INJECTION_FAILED: 'A pod cannot be injected; the message is what its creator reads.',
  MESH_MESSAGE: 'A mesh configuration, values document or proxy config does not fit its message.',
  MESH_REFUSED: 'A mesh configuration can be read, but not used.',
  REDIRECT_ENVIRONMENT:
    'The network namespace lacks what redirection starts from: an address, or a readable resolv.conf.',
  REDIRECT_CONFIG_INVALID: 'A setting of traffic redirection has a value that no rule can be made from.',
  REDIRECT_RANGE_INVALID: 'An outbound range is no CIDR.',
  REDIRECT_DETECT_FAILED: 'No usable iptables or nft tool, or the kernel lacks support for it.',
  REDIRECT_APPLY_FAILED: 'The tool refused the rules.',
  REDIRECT_ROUTES_FAILED: 'An address, policy rule or route beside the rules could not be set.',
  CNI_CALL_INVALID: 'What arrived on the socket of the CNI agent is no call of the plugin.',
  CNI_CONFIG_UNUSABLE: "The node's CNI configuration, or the place of the plugin's executable, cannot be used.",
  SERVING_CERT_INVALID: 'The serving certificate is unreadable, expired or does not fit its key.',
  TEMPLATE_PARSE: 'A template text does not parse.',
  TEMPLATE_EXEC: 'A template failed while it was rendered.',
  TEMPLATE_LIMIT:
    'A template asked for more output, steps or depth than it may have, or for a function that is refused.',
  MODEL_INVALID: 'An object does not fit its Kubernetes type.',
  YAML_INVALID: 'A YAML text cannot be read.',
  MERGE_INVALID: 'A patch cannot be merged into an object.',
  OFFLINE_INVALID: 'A file of objects to be injected cannot be read.',
} as const

export type ErrorCode = keyof typeof ERROR_CODES

export interface ProjectErrorOptions {
  readonly cause?: unknown
  /** Facts for logs and callers; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>
}

/** What the caller cannot continue from. The message says what failed, on which subject, expected against actual. */
export class ProjectError extends Error {
  override readonly name = 'ProjectError'
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, { cause, details = {} }: ProjectErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}

/** The text of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof Error) return thrown.message
  return typeof thrown === 'string' ? thrown : JSON.stringify(thrown)
}

/**
 * Our own exceptions are told by code and message, which repeats what their causes said; where they were thrown tells
 * an operator nothing. Anything else is a surprise, and has its stack.
 */
export function describeError(thrown: unknown): Readonly<Record<string, unknown>> {
  const message = messageOf(thrown)
  if (thrown instanceof ProjectError) return { code: thrown.code, message, ...thrown.details }
  return thrown instanceof Error ? { type: thrown.name, message, stack: thrown.stack } : { message }
}
