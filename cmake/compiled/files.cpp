// SPDX-License-Identifier: MIT
// What eigenesis::compiled holds of files, data, pictures, checkpoints and logs: all x_inl.hpp.
#define EIGENESIS_COMPILED
#include <eigenesis/data/csv_inl.hpp>
#include <eigenesis/data/idx_inl.hpp>
#include <eigenesis/data/mnist_inl.hpp>
#include <eigenesis/data/npy_inl.hpp>
#include <eigenesis/data/png_inl.hpp>
#include <eigenesis/data/split_inl.hpp>
#include <eigenesis/files/csv_inl.hpp>
#include <eigenesis/files/file_inl.hpp>
#include <eigenesis/files/gzip_inl.hpp>
#include <eigenesis/files/idx_inl.hpp>
#include <eigenesis/files/npy_inl.hpp>
#include <eigenesis/files/png_inl.hpp>
#include <eigenesis/files/safetensors_header_inl.hpp>
#include <eigenesis/layers/safetensors_inl.hpp>
#include <eigenesis/pictures/chart_inl.hpp>
#include <eigenesis/pictures/image_grid_inl.hpp>
#include <eigenesis/pictures/picture_inl.hpp>
#include <eigenesis/pictures/scatter_inl.hpp>
#include <eigenesis/training/checkpoint_inl.hpp>
#include <eigenesis/training/health_inl.hpp>
#include <eigenesis/training/log_inl.hpp>
#include <eigenesis/training/stopping_inl.hpp>
#include <eigenesis/training/watch_inl.hpp>
