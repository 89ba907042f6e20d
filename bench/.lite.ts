import { imports } from './parts/.lite-imports.ts'

console.log(await imports.run({ say: (t) => console.log(t) }))
process.exit(0)
