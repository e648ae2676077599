#!/usr/bin/env node
/** Names a command, runs it, sets the exit code. */
import { runProgram } from './cli/program.ts'
import { processContext } from './cli/output.ts'

process.exitCode = await runProgram(process.argv.slice(2), processContext())
