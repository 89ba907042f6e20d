import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/config'
import { databaseConfig } from '@clientele/platform/database-config'
import { exportConfig } from '@clientele/platform/export-config'
import { importConfig } from '@clientele/platform/import-config'
import { currencyDecimals } from '@clientele/platform/money'
import { photoConfig } from '@clientele/platform/photo-config'
import { z } from 'zod'

export const configShape = {
  ...serviceConfig,
  ...databaseConfig,
  ...photoConfig,
  ...importConfig,
  ...exportConfig,
  /** Asked for a customer whose events have not come yet. */
  customerServiceUrl: httpUrl,
  /** The currency of products and orders that name none. */
  shopCurrency: z
    .string()
    .refine((code) => currencyDecimals(code) !== undefined, 'must be an ISO 4217 code such as EUR')
    .default('EUR'),
}
export type OrderConfig = z.infer<z.ZodObject<typeof configShape>>

/** @throws ConfigError naming every fault */
export const config = (): OrderConfig => loadConfig(configShape)
