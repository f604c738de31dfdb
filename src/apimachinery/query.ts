// Query parameters as API machinery reads them.

/**
 * A boolean parameter; null: it is not there. Only that, `0` and `false` in any case mean no; an empty value means yes
 * (upstream Convert_Slice_string_To_bool).
 */
export function isOn(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}
