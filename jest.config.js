/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { target: 'es2024', parser: { syntax: 'typescript' }, keepClassNames: true },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testMatch: ['<rootDir>/*/test/**/*.test.ts', '<rootDir>/e2e/**/*.test.ts'],
  // e2e/compose needs a Docker engine; `npm run test:compose` runs it.
  testPathIgnorePatterns: ['/node_modules/', '/e2e/compose/'],
  modulePathIgnorePatterns: ['<rootDir>/.clientele/', '<rootDir>/client/dist/'],
  testTimeout: 30_000,
  // Tests wait for timers and other processes much of the time: one worker more than the cores of a small machine.
  maxWorkers: 3,
  workerIdleMemoryLimit: '1GB',
  collectCoverageFrom: ['*/src/**/*.ts'],
}
