// Loaded into each process of the suite, with --expose-gc: SIGUSR2 has it give back the memory that it does not use.
process.on('SIGUSR2', () => {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
})
