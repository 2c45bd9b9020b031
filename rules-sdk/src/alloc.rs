//! The guest's heap: a pointer that only moves up.
//!
//! Every call runs on a fresh instance, so nothing is ever given back, and the compiler drops the code that
//! would walk the facts to free them. Only the newest block grows in place: a text that grows is mostly that.

#![expect(unsafe_code, reason = "a global allocator has no safe form")]

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

const PAGE_BYTES: usize = 65_536;

struct Bump {
    /// First free address; 0 until the first allocation.
    next: AtomicUsize,
    /// End of the memory we own; 0 until the first allocation.
    end: AtomicUsize,
}

#[global_allocator]
static HEAP: Bump = Bump { next: AtomicUsize::new(0), end: AtomicUsize::new(0) };

unsafe extern "C" {
    /// Set by the linker: the first address after stack and data.
    static __heap_base: u8;
}

impl Bump {
    fn start(&self) -> usize {
        let next = self.next.load(Relaxed);
        if next != 0 {
            return next;
        }
        self.end.store(wasm32::memory_size(0) * PAGE_BYTES, Relaxed);
        &raw const __heap_base as usize
    }

    /// Makes sure that memory reaches `wanted`.
    fn reach(&self, wanted: usize) -> bool {
        let end = self.end.load(Relaxed);
        if wanted <= end {
            return true;
        }
        let pages = (wanted - end).div_ceil(PAGE_BYTES);
        if wasm32::memory_grow(0, pages) == usize::MAX {
            return false;
        }
        self.end.store(end + pages * PAGE_BYTES, Relaxed);
        true
    }
}

// SAFETY: a guest has one thread; each block lies between `next` as it was and `next` as it becomes,
// inside memory that `reach` has made sure of, so blocks never overlap.
unsafe impl GlobalAlloc for Bump {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let from = self.start().next_multiple_of(layout.align());
        let Some(to) = from.checked_add(layout.size()).filter(|to| self.reach(*to)) else {
            return core::ptr::null_mut();
        };
        self.next.store(to, Relaxed);
        from as *mut u8
    }

    #[inline(always)]
    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size <= layout.size() {
            return block;
        }
        if block as usize + layout.size() == self.next.load(Relaxed) {
            let Some(to) = (block as usize).checked_add(size).filter(|to| self.reach(*to)) else {
                return core::ptr::null_mut();
            };
            self.next.store(to, Relaxed);
            return block;
        }
        // SAFETY: the caller promises a valid block of `layout`; the new one is larger and apart from it.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                core::ptr::copy_nonoverlapping(block, moved, layout.size());
            }
            moved
        }
    }
}
