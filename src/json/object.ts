/** A JSON object. */
export type JSONObject = { [key: string]: unknown };

/** Whether a value is an object, and neither null nor an array. */
export function isObject(value: unknown): value is JSONObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
