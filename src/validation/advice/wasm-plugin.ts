/** WasmPlugin: addresses that were copied from a tutorial. */
import { field, SPEC } from '../field-path.ts'
import type { KindRules } from '../rules/rule-context.ts'
import type { WasmPlugin } from '../schema/kinds/wasm-plugin.ts'
import { isPlaceholder } from './placeholder.ts'

export const adviseWasmPlugin: KindRules<WasmPlugin> = ({ url = '' }, { report }) => {
  if (isPlaceholder(url)) report.warn('ADVICE_PLACEHOLDER', field(SPEC, 'url'), `"${url}" holds a placeholder`)
}
