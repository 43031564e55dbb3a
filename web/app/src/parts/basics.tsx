/** What views are made of: panels, buttons, notices. */

import type { ComponentChildren, JSX, MouseEventHandler, RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

import { store, useStore } from "../state/store.js";
import { explain, t } from "../texts/index.js";
import { Icon, type IconName } from "./icon.js";

interface ButtonProps {
  readonly kind?: "primary" | "plain" | "quiet" | "danger";
  readonly icon?: IconName;
  /** Says what goes on, and takes no clicks meanwhile. */
  readonly busy?: boolean;
  readonly type?: "button" | "submit";
  readonly disabled?: boolean;
  readonly onClick?: MouseEventHandler<HTMLButtonElement>;
  /** Where the words alone do not say what it is about. */
  readonly "aria-label"?: string;
  readonly children: ComponentChildren;
}

export function Button({ kind = "plain", icon, busy = false, children, type = "button", disabled = false, ...rest }: ButtonProps): JSX.Element {
  return (
    <button {...rest} type={type} class={`button button-${kind}`} disabled={disabled} aria-disabled={busy || undefined} aria-busy={busy || undefined}>
      {busy ? <span class="spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      <span>{children}</span>
    </button>
  );
}

/** Where one came from: a view, or what was there before. */
export type Back = { readonly label: string } & ({ readonly href: string } | { readonly onBack: () => void });

/** Names the window after a heading, which takes the focus when one comes to its view. */
export function useHeading(title: string): RefObject<HTMLHeadingElement | null> {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – ${t.brand}`;
    heading.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return heading;
}

/** The frame of a view: its heading takes the focus when one comes to it, and names the window. */
export function Page({ title, lead, children, back }: { title: string; lead?: string; children: ComponentChildren; back?: Back }): JSX.Element {
  const heading = useHeading(title);
  return (
    <div class="page">
      <header class="page-head">
        {back && ("href" in back ? <a class="back" href={back.href}><Icon name="back" />{back.label}</a> : <button type="button" class="back" onClick={back.onBack}><Icon name="back" />{back.label}</button>)}
        <h1 ref={heading} tabIndex={-1}>{title}</h1>
        {lead !== undefined && <p class="lead">{lead}</p>}
      </header>
      {children}
    </div>
  );
}

export function Panel({ title, text, icon, action, children, id }: { title?: string; text?: string; icon?: IconName; action?: ComponentChildren; children?: ComponentChildren; id?: string }): JSX.Element {
  return (
    <section class="panel" id={id} aria-label={title}>
      {title !== undefined && (
        <div class="panel-head">
          {icon && <span class="panel-icon"><Icon name={icon} /></span>}
          <div>
            <h2>{title}</h2>
            {text !== undefined && <p class="soft">{text}</p>}
          </div>
          {action !== undefined && <div class="panel-action">{action}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

type NoticeKind = "good" | "bad" | "warn" | "info";
const noticeIcons: Readonly<Record<NoticeKind, IconName>> = { good: "check", bad: "alert", warn: "alert", info: "info" };

/** Something to be noticed; what went wrong is said at once by readers of screens. */
export function Notice({ kind = "info", title, children }: { kind?: NoticeKind; title?: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class={`notice notice-${kind}`} role={kind === "bad" ? "alert" : kind === "good" ? "status" : undefined}>
      <Icon name={noticeIcons[kind]} />
      <div>
        {title !== undefined && <p class="notice-title">{title}</p>}
        {children !== undefined && <div class="notice-text">{children}</div>}
      </div>
    </div>
  );
}

/** Why something failed, if it did. */
export function Failure({ error }: { error: unknown }): JSX.Element | null {
  return error === undefined ? null : <Notice kind="bad">{explain(error)}</Notice>;
}

export function Empty({ icon, children }: { icon: IconName; children: ComponentChildren }): JSX.Element {
  return <div class="empty"><Icon name={icon} large /><p>{children}</p></div>;
}

export function Loading(): JSX.Element {
  return <p class="loading" role="status"><span class="spinner" aria-hidden="true" />{t.common.loading}</p>;
}

/** How far something is, and a way to end it. */
export function ProgressBar({ label, share, onCancel }: { label: string; share: number | undefined; onCancel?: () => void }): JSX.Element {
  return (
    <div class="progress">
      <div class="progress-line">
        <span role="status">{label}</span>
        {share !== undefined && <span class="numbers">{Math.floor(share * 100)} %</span>}
      </div>
      <div class="progress-line">
        <progress aria-label={label} max={1} {...(share !== undefined && { value: share })} />
        {onCancel && <Button kind="quiet" onClick={onCancel}>{t.common.cancel}</Button>}
      </div>
    </div>
  );
}

const said = store("");

/** Says something to readers of screens. */
export function announce(text: string): void {
  said.set("");
  setTimeout(() => { said.set(text); }, 50);
}

/** Takes back what was said: it may name documents and people. */
export function hush(): void {
  said.set("");
}

/** Where {@link announce} is heard. */
export function Announcer(): JSX.Element {
  return <div class="unseen" role="status" aria-live="polite">{useStore(said)}</div>;
}

/** A question in front of everything else. */
export function Dialog({ title, children, onClose }: { title: string; children: ComponentChildren; onClose: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => { // at once: a key pressed next must not go to what is behind
    const shown = dialog.current;
    const before = document.activeElement;
    shown?.showModal();
    return () => {
      shown?.close(); // until then nothing outside takes the focus
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="dialog-title" onCancel={(e) => { e.preventDefault(); onClose(); }}
      onClick={(e) => { if (e.target === dialog.current) onClose(); }}>
      <div class="dialog-body">
        <h2 id="dialog-title">{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
