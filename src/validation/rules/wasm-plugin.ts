/** WasmPlugin. */
import { SPEC } from '../field-path.ts'
import type { WasmPlugin } from '../schema/kinds/wasm-plugin.ts'
import { checkTargeting } from './labels.ts'
import type { KindRules } from './rule-context.ts'
import { checkTrafficSelectors, checkWasm } from './wasm.ts'

export const checkWasmPlugin: KindRules<WasmPlugin> = (spec, { report }) => {
  checkTargeting(spec, SPEC, report)
  checkWasm(spec, SPEC, report)
  checkTrafficSelectors(spec.match, report)
}
