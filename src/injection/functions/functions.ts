/** All functions of the injector's templates: sprig's text functions and Istio's own. */
import type { FunctionTable } from '../template/function-table.ts'
import { clockFunctions, DATE_FUNCTIONS, type Clock } from './dates.ts'
import { ENCODING_FUNCTIONS } from './encodings.ts'
import { HASH_FUNCTIONS } from './hashes.ts'
import { istioFunctions, type IstioOptions } from './istio.ts'
import { JSON_FUNCTIONS } from './json.ts'
import { LIST_FUNCTIONS } from './lists.ts'
import { LOGIC_FUNCTIONS } from './logic.ts'
import { MAP_FUNCTIONS } from './maps.ts'
import { NUMBER_FUNCTIONS } from './numbers.ts'
import { PATH_FUNCTIONS } from './paths.ts'
import { PORT_FUNCTIONS } from './ports.ts'
import { REFUSED_FUNCTIONS } from './refused.ts'
import { REGEX_FUNCTIONS } from './regexes.ts'
import { STRING_FUNCTIONS } from './strings.ts'
import { URL_FUNCTIONS } from './urls.ts'
import { VERSION_FUNCTIONS } from './versions.ts'
import { WORD_FUNCTIONS } from './words.ts'

export interface FunctionOptions extends IstioOptions {
  /** Without it functions that ask the clock are refused. */
  readonly nowMs?: Clock
}

/** The table for `parseTemplate`. istiod: Istio's functions come last, so that theirs count. */
export function injectorFunctions(options: FunctionOptions): FunctionTable {
  return new Map([
    ...DATE_FUNCTIONS,
    ...clockFunctions(options.nowMs),
    ...ENCODING_FUNCTIONS,
    ...HASH_FUNCTIONS,
    ...JSON_FUNCTIONS,
    ...LIST_FUNCTIONS,
    ...LOGIC_FUNCTIONS,
    ...MAP_FUNCTIONS,
    ...NUMBER_FUNCTIONS,
    ...PATH_FUNCTIONS,
    ...REFUSED_FUNCTIONS,
    ...REGEX_FUNCTIONS,
    ...STRING_FUNCTIONS,
    ...URL_FUNCTIONS,
    ...VERSION_FUNCTIONS,
    ...WORD_FUNCTIONS,
    ...PORT_FUNCTIONS,
    ...istioFunctions(options),
  ])
}
