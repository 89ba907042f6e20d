import { exportConfig } from '@clientele/features/exports/export.config'
import { importConfig } from '@clientele/features/imports/import.config'
import { photoConfig } from '@clientele/features/photos/photo.config'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { z } from 'zod'
import { currencyDecimals } from './money.ts'

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
