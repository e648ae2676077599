/** TrafficExtension: a WebAssembly module or a Lua script. istiod: Lua's syntax is not checked. */
import { field, SPEC } from '../field-path.ts'
import type { TrafficExtension } from '../schema/kinds/traffic-extension.ts'
import { checkTargeting } from './labels.ts'
import type { KindRules } from './rule-context.ts'
import { byteLength } from './values.ts'
import { checkTrafficSelectors, checkWasm } from './wasm.ts'

const MAX_LUA_BYTES = 65536

export const checkTrafficExtension: KindRules<TrafficExtension> = (spec, { report }) => {
  const { wasm, lua, match } = spec
  if (wasm === undefined && lua === undefined)
    report.error('EXTENSION_KIND', SPEC, 'exactly one of wasm or lua must be set')
  checkTargeting(spec, SPEC, report)
  if (lua !== undefined) {
    const at = field(field(SPEC, 'lua'), 'inlineCode')
    const code = lua.inlineCode ?? ''
    if (code === '') report.error('LUA_CODE', at, 'lua.inlineCode cannot be empty')
    if (byteLength(code) > MAX_LUA_BYTES)
      report.error('LUA_CODE', at, `lua.inlineCode exceeds maximum length of ${MAX_LUA_BYTES} bytes`)
  }
  if (wasm !== undefined) checkWasm(wasm, field(SPEC, 'wasm'), report)
  checkTrafficSelectors(match, report)
}
