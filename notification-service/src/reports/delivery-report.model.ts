import { databaseTime } from '@clientele/platform/data/database-time'
import { primaryKey, withDefault } from '@clientele/platform/data/model-attributes'
import {
  type CreationOptional,
  DataTypes,
  type InferAttributes,
  type InferCreationAttributes,
  Model,
  type ModelStatic,
  type Sequelize,
} from 'sequelize'
import type { Report } from '../providers/provider.ts'

/** A row of `delivery_reports`: a report that arrived before the outcome of its attempt was recorded. Kept for minutes. */
export class DeliveryReportModel extends Model<
  InferAttributes<DeliveryReportModel>,
  InferCreationAttributes<DeliveryReportModel>
> {
  declare provider: string
  declare messageId: string
  declare status: Report['status']
  declare number: string | null
  declare reason: string | null
  declare receivedAt: CreationOptional<Date>
}
export type DeliveryReports = ModelStatic<DeliveryReportModel>

const { DATE, TEXT } = DataTypes

/** Defines the model on a connection pool. */
export const defineDeliveryReports = (sequelize: Sequelize): DeliveryReports => {
  class ConnectedReport extends DeliveryReportModel {}
  return ConnectedReport.init(
    {
      provider: primaryKey(TEXT),
      messageId: primaryKey(TEXT),
      status: primaryKey(TEXT),
      number: { type: TEXT, field: 'recipient' },
      reason: TEXT,
      receivedAt: withDefault(DATE(3), databaseTime()),
    },
    { sequelize, modelName: 'deliveryReport', tableName: 'delivery_reports' },
  )
}
