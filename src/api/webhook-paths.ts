/** Where the webhooks are: roots of the paths that an entry of a webhook configuration may name. */

/** Of the injector; what follows it are parameters. */
export const INJECT_ROOT = '/inject'
export const VALIDATE_ROOT = '/validate'
