import { join } from 'node:path'
import { cacheFolder } from './folders.ts'

const flags = (youngMb: number, growth: number): string[] => [
  `--max-semi-space-size=${youngMb}`,
  `--heap-growing-percent=${(growth - 1) * 100}`,
]

/**
 * V8's options for a process: the size of half a young generation, and how many times its content the heap becomes before all
 * of it is collected. Services are kept small, which costs them no measurable time (1 MB of young generation does, about a
 * third). What holds up the gateway holds up everybody, so its collections are made rare, at up to 100 MB more under load.
 * Both run without them, too.
 */
export const nodeFlagsOf = (name: string): string[] => (name === 'gateway' ? flags(16, 4) : flags(4, 2))

/**
 * Environment to the same end. With compiled code kept, the second start needs neither parser nor type stripper; glibc
 * gives memory back that V8's compilers have freed.
 */
export const nodeEnv = (): Record<string, string> => ({
  NODE_COMPILE_CACHE: join(cacheFolder(), 'compiled'),
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_MMAP_THRESHOLD_: '131072',
})
