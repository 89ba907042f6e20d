import { steps } from './steps.ts'

/** `npm run test:cluster`: installs the product on a real cluster and checks what the guide for Kubernetes promises. */
let passed = 0
let failed = 0
const startedAt = performance.now()
for (const [name, step] of Object.entries(steps)) {
  const stepStartedAt = performance.now()
  const seconds = () => `${((performance.now() - stepStartedAt) / 1000).toFixed(1)} s`
  try {
    const note = await step()
    passed += 1
    console.log(`ok     ${name} (${note ? `${note}; ` : ''}${seconds()})`)
  } catch (error) {
    failed += 1
    console.log(`FAILED ${name} (${seconds()})\n${error instanceof Error ? error.message : String(error)}`)
    // Later steps need this one.
    break
  }
}
console.log(`${Math.round(performance.now() - startedAt) / 1000} s in total`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
