/**
 * The post-processing steps in their order, which is contract: probes are dumped before the status annotation is
 * written (its presence tells a second run from a first), containers are ordered last.
 */
import { overwriteClusterInfo } from './cluster-info.ts'
import { writeMetadata } from './metadata.ts'
import { orderContainers } from './order.ts'
import { rewriteProbes } from './probes.ts'
import { mergePrometheus } from './prometheus.ts'
import { announceSecurePort } from './secure-port.ts'
import type { PostStep } from './step.ts'

export const POST_STEPS: readonly PostStep[] = [
  overwriteClusterInfo,
  mergePrometheus,
  announceSecurePort,
  rewriteProbes,
  writeMetadata,
  orderContainers,
]
