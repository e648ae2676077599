/** The public face of validation: an Istio object in, everything wrong with it out. Pure; runs in a browser, too. */
export type { MeshObject } from './api-server.ts'
export { findingText } from './finding.ts'
export type { Finding } from './finding.ts'
export { FINDING_CODES } from './finding-codes.ts'
export type { FindingCode } from './finding-codes.ts'
export { validate } from './validate.ts'
export type { Layer, Validation, Verdict } from './validate.ts'
