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
  // It needs a Docker engine: `npm run test:compose`.
  testPathIgnorePatterns: ['/node_modules/', '/e2e/compose/'],
  modulePathIgnorePatterns: ['<rootDir>/.clientele/'],
  testTimeout: 30_000,
  maxWorkers: 2,
  workerIdleMemoryLimit: '1GB',
  collectCoverageFrom: ['*/src/**/*.ts'],
}
