import { steps } from './steps.ts'

/** `npm run test:cluster`: everything that the guide for Kubernetes promises, from nothing, on a real cluster. */
let passed = 0
let failed = 0
const began = performance.now()
for (const [name, step] of Object.entries(steps)) {
  const stepBegan = performance.now()
  const seconds = () => `${((performance.now() - stepBegan) / 1000).toFixed(1)} s`
  try {
    const said = await step()
    passed += 1
    console.log(`ok     ${name} (${said ? `${said}; ` : ''}${seconds()})`)
  } catch (error) {
    failed += 1
    console.log(`FAILED ${name} (${seconds()})\n${error instanceof Error ? error.message : String(error)}`)
    // What follows builds on it.
    break
  }
}
console.log(`${Math.round(performance.now() - began) / 1000} s in all`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
