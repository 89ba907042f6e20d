import type { Check } from './installation-checks.ts'

/** Looks at one thing after the other and prints what it finds. @returns how many are wrong */
export const runChecks = async (checks: Check[], fixOf: (check: Check, message: string) => string): Promise<number> => {
  let faults = 0
  for (const check of checks) {
    try {
      console.log(`  ok    ${check.name}: ${await check.look()}`)
    } catch (error) {
      faults += 1
      const message = (error instanceof Error && error.message) || String(error)
      console.log(`  FAULT ${check.name}: ${message}\n        fix: ${fixOf(check, message)}`)
    }
  }
  console.log(faults === 0 ? 'all is well' : `${faults} of ${checks.length} checks failed`)
  return faults
}
