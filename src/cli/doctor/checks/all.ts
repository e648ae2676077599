/** Every check, in the order in which an operator wants to read of them: causes before effects. */
import type { Check } from '../check.ts'
import { authority } from './authority.ts'
import { bundles } from './bundles.ts'
import { certificateFiles } from './certificate-files.ts'
import { clock } from './clock.ts'
import { configMaps } from './config-maps.ts'
import { endpoints } from './endpoints.ts'
import { fieldManagers } from './field-managers.ts'
import { installation } from './installation.ts'
import { istiod } from './istiod.ts'
import { overlaps } from './overlaps.ts'
import { paths } from './paths.ts'
import { podSecurity } from './pod-security.ts'
import { reachability } from './reachability.ts'
import { replicaClocks } from './replica-clocks.ts'
import { rights } from './rights.ts'
import { service } from './service.ts'
import { systemNamespaces } from './system-namespaces.ts'
import { validation } from './validation.ts'

export const CHECKS: readonly Check[] = [
  clock,
  installation,
  rights,
  configMaps,
  authority,
  bundles,
  fieldManagers,
  istiod,
  service,
  endpoints,
  replicaClocks,
  certificateFiles,
  paths,
  overlaps,
  systemNamespaces,
  podSecurity,
  reachability,
  validation,
]
