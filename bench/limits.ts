/** Settings that let one user send as much as a benchmark needs. */
export const unlimitedGateway = { RATE_LIMIT_USER: '10000000', RATE_LIMIT_ADDRESS: '10000000' }
export const unlimitedWork = {
  WORK_MS_PER_MINUTE: '10000000',
  BODY_BYTES_PER_MINUTE: '1000000000000',
  ROWS_PER_MINUTE: '1000000000',
}
