import type { Check } from './installation-checks.ts'

/** Runs the checks one after the other and prints a line for each. @returns how many failed */
export const runChecks = async (checks: Check[], fixOf: (check: Check, message: string) => string): Promise<number> => {
  let failures = 0
  for (const check of checks) {
    try {
      console.log(`  ok    ${check.name}: ${await check.run()}`)
    } catch (error) {
      failures += 1
      const message = (error instanceof Error && error.message) || String(error)
      console.log(`  FAIL  ${check.name}: ${message}\n        fix: ${fixOf(check, message)}`)
    }
  }
  console.log(failures === 0 ? 'all checks passed' : `${failures} of ${checks.length} checks failed`)
  return failures
}
