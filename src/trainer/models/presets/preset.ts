/** What a preset is. */
export interface Preset {
  /** Content of a config.json, with the vocabulary that was published; training puts its tokenizer's in its place. */
  readonly config: Readonly<Record<string, unknown>> & { readonly model_type: string };
}

export type PresetTable = Readonly<Record<string, Preset>>;
