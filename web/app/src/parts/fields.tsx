/** Fields of forms: each with its label, what it is for, and what is wrong with it. */

import type { ComponentChildren, JSX } from "preact";
import { useId, useState } from "preact/hooks";

import { t } from "../texts/index.js";

interface FieldProps {
  readonly label: string;
  readonly hint?: string | undefined;
  /** What is wrong; takes the place of the hint. */
  readonly wrong?: string | undefined;
  readonly children: (attributes: { id: string; "aria-describedby"?: string; "aria-invalid"?: boolean }) => ComponentChildren;
}

/** A label, a control, and a line below it that is there from the beginning, so that nothing moves. */
export function Field({ label, hint, wrong, children }: FieldProps): JSX.Element {
  const id = useId();
  const line = wrong ?? hint;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...(line !== undefined && { "aria-describedby": `${id}-line` }), ...(wrong !== undefined && { "aria-invalid": true }) })}
      {line !== undefined && <p id={`${id}-line`} class={wrong === undefined ? "hint" : "hint wrong"} role={wrong === undefined ? undefined : "alert"}>{line}</p>}
    </div>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onValue: (value: string) => void;
  readonly hint?: string | undefined;
  readonly wrong?: string | undefined;
  readonly rows?: number;
  readonly autocomplete?: string;
  readonly inputmode?: "text" | "numeric" | "url";
  readonly mono?: boolean;
  readonly placeholder?: string;
}

export function TextField({ label, value, onValue, hint, wrong, rows, autocomplete = "off", inputmode = "text", mono = false, placeholder }: TextFieldProps): JSX.Element {
  const common = {
    value, inputmode, autocomplete, spellcheck: false, autocapitalize: "off" as const, class: mono ? "mono" : undefined, ...(placeholder !== undefined && { placeholder }),
    onInput: (e: Event) => { onValue((e.currentTarget as HTMLInputElement).value); },
  };
  return (
    <Field label={label} hint={hint} wrong={wrong}>
      {(attributes) => (rows === undefined ? <input type="text" {...attributes} {...common} /> : <textarea rows={rows} {...attributes} {...common} />)}
    </Field>
  );
}

/** A passphrase or passcode, hidden until one wants to see it. */
export function SecretField({ label, value, onValue, hint, wrong, autocomplete, shown }: Omit<TextFieldProps, "rows"> & { shown?: boolean }): JSX.Element {
  const [own, setOwn] = useState(false);
  const visible = shown === true || own;
  return (
    <Field label={label} hint={hint} wrong={wrong}>
      {(attributes) => (
        <div class="with-button">
          {/* One element in both states, so that it keeps the focus: its type alone changes. */}
          <input {...attributes} {...(visible ? ({ type: "text" } as const) : ({ type: "password" } as const))} value={value} autocomplete={autocomplete ?? "current-password"} spellcheck={false} autocapitalize="off"
            class={visible ? "mono" : undefined} onInput={(e) => { onValue(e.currentTarget.value); }} />
          <button type="button" class="in-field" aria-pressed={visible} aria-label={`${visible ? t.common.hide : t.common.show}: ${label}`} onClick={() => { setOwn(!own); }}>{visible ? t.common.hide : t.common.show}</button>
        </div>
      )}
    </Field>
  );
}

export interface Choice {
  readonly value: string;
  readonly label: string;
}

export function SelectField({ label, value, onValue, choices, hint }: { label: string; value: string; onValue: (value: string) => void; choices: readonly Choice[]; hint?: string }): JSX.Element {
  return (
    <Field label={label} hint={hint}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(e) => { onValue(e.currentTarget.value); }}>
          {choices.map((c) => <option key={c.value} value={c.value} selected={c.value === value}>{c.label}</option>)}
        </select>
      )}
    </Field>
  );
}

export function CheckField({ label, hint, checked, onChecked }: { label: string; hint?: string; checked: boolean; onChecked: (checked: boolean) => void }): JSX.Element {
  const id = useId();
  return (
    <div class="check">
      <input id={id} type="checkbox" checked={checked} aria-describedby={hint === undefined ? undefined : `${id}-line`} onChange={(e) => { onChecked(e.currentTarget.checked); }} />
      <div>
        <label for={id}>{label}</label>
        {hint !== undefined && <p id={`${id}-line`} class="hint">{hint}</p>}
      </div>
    </div>
  );
}

/** A form whose button, or Enter, does one thing. */
export function Form({ onSubmit, children, label }: { onSubmit: () => void; children: ComponentChildren; label?: string }): JSX.Element {
  return (
    <form class="form" noValidate aria-label={label} onSubmit={(e) => { e.preventDefault(); onSubmit(); }}>
      {children}
    </form>
  );
}

/** Takes files: dropped on it, or chosen. */
export function DropZone({ label, choose, onFiles, accept, multiple = false }: { label: string; choose: string; onFiles: (files: File[]) => void; accept?: string; multiple?: boolean }): JSX.Element {
  const [over, setOver] = useState(false);
  const id = useId();
  const take = (list: FileList | null | undefined): void => {
    const files = [...(list ?? [])];
    if (files.length > 0) onFiles(multiple ? files : files.slice(0, 1));
  };
  return (
    <div class={over ? "drop drop-over" : "drop"}
      onDragOver={(e) => { e.preventDefault(); setOver(true); }}
      onDragLeave={() => { setOver(false); }}
      onDrop={(e) => { e.preventDefault(); setOver(false); take(e.dataTransfer?.files); }}>
      <input id={id} class="unseen" type="file" multiple={multiple} accept={accept}
        onChange={(e) => { take(e.currentTarget.files); e.currentTarget.value = ""; }} />
      <label for={id}><span class="drop-label">{label}</span> <span class="drop-choose">{choose}</span></label>
    </div>
  );
}
