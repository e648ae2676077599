/** Derives what is compiled ahead of time from the kinds' sources: `npm run generate`. A test compares it with what is committed. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KINDS } from '../src/validation/registry.ts'
import { compilePlainSchemas } from './generate-schemas/compile.ts'
import { plainSchemas } from './generate-schemas/plain-schema.ts'

const TARGET = fileURLToPath(new URL('../src/validation/schema/generated/plain.ts', import.meta.url))

writeFileSync(TARGET, compilePlainSchemas(plainSchemas(new Map(KINDS.map(({ schema }) => [schema.kind, schema.spec])))))
